"""Steps and the runner beneath everything: knows neither teacher nor problem."""

"""Training a verifier: from candidates to balanced groups, the objective, and the loop."""

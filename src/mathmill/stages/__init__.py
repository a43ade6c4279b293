"""The stages of the data: functions from records to records, plus a tally of drops."""

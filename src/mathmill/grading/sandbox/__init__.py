"""Run programs that a model wrote: source in, outcomes out, nothing else passes the wall."""

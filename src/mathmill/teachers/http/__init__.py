"""One OpenAI-compatible server over HTTP: sending, reading, and what each failure means."""

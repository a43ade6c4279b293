"""Decoding: models opened, prompts rendered, tokens chosen, many rows at a time."""

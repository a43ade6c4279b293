"""Training a verifier: from candidates to balanced groups, the objective, and the loop.

Used as: `pipeline.train_verifier(generator, pools)`; its step is `run.run`.
"""

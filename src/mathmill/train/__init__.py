"""Training: data rendered, fine-tuning in stages, checkpoints, the embedded base model.

Why: everything that changes weights lies here and knows only the ground. Called by
`pipeline.train` (`train.sft.run`) and `mathmill run base_model` (`train.pretrain.run`).
"""

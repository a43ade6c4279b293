"""Training: data rendered, fine-tuning in stages, checkpoints, the embedded base model."""

"""Experiments on captioners: captions with attention and occlusion, and a comparison of the encoder's feature maps."""

MEASUREMENTS = {"features": "models.captioning.experiments.encoder_views:features"}

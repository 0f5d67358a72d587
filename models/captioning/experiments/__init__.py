"""Experiments on captioners: captions with attention and occlusion, what a word depends on, and a comparison of feature maps."""

MEASUREMENTS = {
    "features": "models.captioning.experiments.encoder_views:features",
    "photographs": "models.captioning.experiments.photographs:measure",
}

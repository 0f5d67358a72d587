"""Where captioners meet the instrument: captions taken apart, and which map of the encoder to look at."""

MEASUREMENTS = {"features": "models.captioning.experiments.encoder_views:features"}

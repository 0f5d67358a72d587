"""Experiments on character networks: text windows, units, gradients, interventions, bracket closing by distance, and probes of the past."""

MEASUREMENTS = {
    "units": "models.char_lm.experiments.units:measure",
    "gradients": "models.char_lm.experiments.gradients:measure",
    "gap": "models.char_lm.experiments.gap:measure",
    "probe": "models.char_lm.experiments.probe:measure",
}

"""Experiments on character networks: text windows, units, gradients, interventions, and bracket closing by distance."""

MEASUREMENTS = {
    "units": "models.char_lm.experiments.units:measure",
    "gradients": "models.char_lm.experiments.gradients:measure",
    "gap": "models.char_lm.experiments.gap:measure",
}

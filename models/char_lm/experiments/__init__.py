"""Experiments on character networks: text windows, units, gradients, interventions, bracket closing by distance, probes of the past,
and which earlier characters a prediction depends on."""

MEASUREMENTS = {
    "units": "models.char_lm.experiments.units:measure",
    "gradients": "models.char_lm.experiments.gradients:measure",
    "gap": "models.char_lm.experiments.gap:measure",
    "probe": "models.char_lm.experiments.probe:measure",
    "attribution": "models.char_lm.experiments.attribution:measure",
    "causes": "models.char_lm.experiments.causes:measure",
    "wiring": "models.char_lm.experiments.known_wiring:measure",
}

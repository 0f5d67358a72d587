"""Where character networks meet the instrument: windows of a text, units, how far gradients reach, and how well they close brackets."""

MEASUREMENTS = {
    "units": "models.char_lm.experiments.units:measure",
    "gradients": "models.char_lm.experiments.gradients:measure",
    "gap": "models.char_lm.experiments.gap:measure",
}

"""What the instrument measures of character networks: their units, how far gradients reach, and how well they close brackets."""

from models.char_lm.experiments import gap, gradients, units

MEASUREMENTS = {"units": units.measure, "gradients": gradients.measure, "gap": gap.measure}

"""Figures: functions that take records or arrays and return an Altair or Plotly figure."""

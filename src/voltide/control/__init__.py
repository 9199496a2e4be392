"""This second: what was measured, within which limits, and so which setpoints."""

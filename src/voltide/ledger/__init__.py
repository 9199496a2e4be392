"""Money follows the meter."""

"""Voltide runs a vehicle-to-grid charging station and joins many of them into one power plant."""

__version__ = "0.1.0"

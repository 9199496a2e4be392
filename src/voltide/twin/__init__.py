"""The actor that plays the world: digital twins that speak the real protocols."""

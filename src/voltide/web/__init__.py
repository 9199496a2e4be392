"""The actor that shows people what happens, and hears what they want."""

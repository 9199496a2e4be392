"""The charger's language (OCPP 1.6, 2.0.1, 2.1), without sockets, in either role."""

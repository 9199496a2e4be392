"""One file per functional block of OCPP: what the station makes of the reports that are no sessions."""

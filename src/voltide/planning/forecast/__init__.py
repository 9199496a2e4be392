"""What will come: sun, load, cars, departures, prices. Each says how sure it is, and what it has learnt from."""

"""How good are samples: measures that know data and samples, and no network."""

"""What positions may lose: value at risk and expected shortfall, shocks to what they depend on, limits, a breaker."""

"""How large a gradient is at every step of a recurrent network, and what it is made of."""

"""Page "Your model": one way in for a checkpoint of any kind."""

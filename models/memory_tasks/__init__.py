"""Small networks for synthetic memory tasks: what trains in a minute on the page."""

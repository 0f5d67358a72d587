"""Classifiers of names: a recurrent network reads letter by letter and predicts the language."""

"""Recipes: short programs over the eight verbs. The library never imports them.

Used as: `mathmill run demo`, or as an example for a recipe of your own.
"""

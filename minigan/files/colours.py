"""Colours that everyone can tell apart, with any kind of colour vision and in print: Okabe and Ito (2008)."""

BLACK = "#000000"
ORANGE = "#E69F00"
SKY = "#56B4E9"
GREEN = "#009E73"
BLUE = "#0072B2"
VERMILLION = "#D55E00"
PURPLE = "#CC79A7"
IN_TURN = (BLUE, ORANGE, GREEN, VERMILLION, SKY, PURPLE, BLACK)
"""for as many lines that have to be told apart"""

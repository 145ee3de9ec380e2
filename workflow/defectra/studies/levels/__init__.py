"""Study `levels`: charge-state transition levels of impurities in semiconductors.

Terms: VBM and CBM, valence-band maximum and conduction-band minimum; DFT, density-functional
theory; PBE, functional of Perdew-Burke-Ernzerhof; HSE (HSE06), hybrid functional of
Heyd-Scuseria-Ernzerhof; MAE, mean absolute error; RMSE, root-mean-square error.
"""

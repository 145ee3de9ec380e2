"""Study `nmc`: oxides with nickel, manganese and cobalt (NMC), from several edges at once.

Terms: AUROC, area under the receiver operating characteristic.
"""

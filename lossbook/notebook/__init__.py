"""What the cells of the chapters import besides the losses; only :mod:`lossbook.notebook.plots` needs matplotlib."""

from .data import breast_cancer as breast_cancer, diabetes as diabetes, digits as digits, wine as wine
from .explore import explore as explore
from .facts import contract_table as contract_table
from .fit import fit as fit
from .source import source as source
from .trials import of_pairs as of_pairs, ruler as ruler, starts as starts, sweep as sweep

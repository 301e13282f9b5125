"""What can be wrong, or unusual, with one argument of a call, by the kind of the argument: data for test_mutations.py.

A mutation makes something of the clean value of an argument, and says what is due:
    REFUSED  a TypeError or ValueError of ours that names the argument
    SAME     the value and the gradient of a clean argument ``like`` the mutant
    EITHER   one of these two
    RIGHT    refused, or the value of the oracle
"""

import os

from mutations import settings, tensors
from mutations.mutation import EITHER as EITHER, SKIP as SKIP, Mutation as Mutation

SEED = os.environ.get("MUTATIONS", "0")  # of what is drawn and chosen; "all" chooses everything
BY_KIND: dict[str, dict[str, Mutation]] = tensors.BY_KIND | settings.BY_KIND

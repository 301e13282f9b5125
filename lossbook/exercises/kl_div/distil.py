r"""A distillation loss.

Return the mean over the samples of $T^2\,\mathrm{KL}(\text{teacher} \| \text{student})$ from two tensors of logits,
(N, C).
It has to survive logits of size 1000, and no gradient may reach the teacher.

Nudge: Which of the two is the target, and which of them is divided by T?

Sketch: Divide both by T, take log_softmax of both, detach the teacher, and use batchmean with log_target; then the
factor.

Why: A logarithm of softmax is -inf as soon as the student is sure. log_softmax is not, and with log_target nothing has
to be taken out of a logarithm and put back.
"""

import torch
import torch.nn.functional as F

from .._draw import number, real
from .._exact import largest

KIND = "build"
LEVEL = 2
MINUTES = 12
TAKES = {"student": real("N", "C"), "teacher": real("N", "C"), "temperature": number(0.5, 10)}
GRADIENTS = ["student", "teacher"]
SCALES = (1e-3, 0.1, 1.0, 30.0, 1e3)


def size(student, teacher, temperature):
    return temperature**2 + temperature * largest(student, teacher)


def slope_size(student, teacher, temperature):
    return temperature + largest(student, teacher)


def distillation(student, teacher, temperature):
    log_q = (student / temperature).log_softmax(dim=1)
    log_p = (teacher.detach() / temperature).log_softmax(dim=1)
    return temperature**2 * F.kl_div(log_q, log_p, log_target=True, reduction="batchmean")


def exact(student, teacher, temperature):
    log_q, log_p = (student / temperature).log_softmax(1), (teacher.detach() / temperature).log_softmax(1)
    terms = torch.where(log_p > -torch.inf, log_p.exp() * (log_p - log_q), log_p.exp())
    return temperature**2 * terms.sum() / student.shape[0]


def right_by_hand(student, teacher, temperature):
    log_q = torch.log_softmax(student / temperature, dim=1)
    with torch.no_grad():
        log_p = torch.log_softmax(teacher / temperature, dim=1)
    return temperature**2 * (log_p.exp() * (log_p - log_q)).sum(1).mean()


def right_summed(student, teacher, temperature):
    log_q = F.log_softmax(student / temperature, dim=1)
    p = F.softmax(teacher.detach() / temperature, dim=1)
    return F.kl_div(log_q, p, reduction="sum") * (temperature * temperature) / student.size(0)


def wrong_without_t_squared(student, teacher, temperature):
    p = (teacher.detach() / temperature).softmax(1)
    return F.kl_div((student / temperature).log_softmax(1), p, reduction="batchmean")


def wrong_t_once(student, teacher, temperature):
    p = (teacher.detach() / temperature).softmax(1)
    return temperature * F.kl_div((student / temperature).log_softmax(1), p, reduction="batchmean")


def wrong_teacher_not_softened(student, teacher, temperature):
    p = teacher.detach().softmax(1)
    return temperature**2 * F.kl_div((student / temperature).log_softmax(1), p, reduction="batchmean")


def wrong_arguments_swapped(student, teacher, temperature):
    q = (student / temperature).softmax(1)
    log_p = (teacher.detach() / temperature).log_softmax(1)
    return temperature**2 * F.kl_div(log_p, q, reduction="batchmean")


def wrong_divided_by_the_classes_too(student, teacher, temperature):
    p = (teacher.detach() / temperature).softmax(1)
    return temperature**2 * F.kl_div((student / temperature).log_softmax(1), p, reduction="none").mean()


def wrong_cross_entropy(student, teacher, temperature):
    p = (teacher.detach() / temperature).softmax(1)
    return temperature**2 * F.cross_entropy(student / temperature, p)


def wrong_teacher_in_the_graph(student, teacher, temperature):
    """Refused by: gradient."""
    log_p = (teacher / temperature).log_softmax(1)
    log_q = (student / temperature).log_softmax(1)
    return temperature**2 * F.kl_div(log_q, log_p, log_target=True, reduction="batchmean")


def wrong_logarithm_of_a_softmax(student, teacher, temperature):
    """Refused by: scales."""
    p = (teacher.detach() / temperature).softmax(1)
    return temperature**2 * F.kl_div((student / temperature).softmax(1).log(), p, reduction="batchmean")


def wrong_probabilities_as_input(student, teacher, temperature):
    p = (teacher.detach() / temperature).softmax(1)
    return temperature**2 * F.kl_div((student / temperature).softmax(1), p, reduction="batchmean")

"""The sources of the catalogue as BibTeX, found in what an algorithm says of its source."""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass


@dataclass(frozen=True)
class Source:
    """A publication: how a source line names it, its short form, its fields."""

    key: str
    named: str
    short: str
    kind: str
    fields: tuple[tuple[str, str], ...]

    def bibtex(self) -> str:
        """The entry."""
        lines = ",\n".join(f"  {name} = {{{value}}}" for name, value in self.fields)
        return f"@{self.kind}{{{self.key},\n{lines}\n}}\n"


def _source(key: str, named: str, short: str, kind: str, **fields: str) -> Source:
    return Source(key, named, short, kind, tuple(fields.items()))


SOURCES = (
    _source("wang2025transformers", r"2405\.13861", "Wang et al. 2025", "inproceedings",
            author="Wang, Jiuqi and Blaser, Ethan and Daneshmand, Hadi and Zhang, Shangtong",
            title="Transformers Can Learn Temporal Difference Methods for In-Context Reinforcement Learning",
            booktitle="International Conference on Learning Representations", year="2025",
            note="arXiv:2405.13861"),
    _source("sutton2018reinforcement", r"Sutton and Barto 2018", "Sutton and Barto 2018", "book",
            author="Sutton, Richard S. and Barto, Andrew G.",
            title="Reinforcement Learning: An Introduction", edition="2", publisher="MIT Press", year="2018"),
    _source("ahn2023transformers", r"2306\.00297", "Ahn et al. 2023", "inproceedings",
            author="Ahn, Kwangjun and Cheng, Xiang and Daneshmand, Hadi and Sra, Suvrit",
            title="Transformers Learn to Implement Preconditioned Gradient Descent for In-Context Learning",
            booktitle="Advances in Neural Information Processing Systems", year="2023", note="arXiv:2306.00297"),
    _source("baird1995residual", r"Baird 1995", "Baird 1995", "inproceedings",
            author="Baird, Leemon", title="Residual Algorithms: Reinforcement Learning with Function Approximation",
            booktitle="International Conference on Machine Learning", year="1995"),
    _source("tsitsiklis1999average", r"Tsitsiklis and Van Roy 1999", "Tsitsiklis and Van Roy 1999", "article",
            author="Tsitsiklis, John N. and Van Roy, Benjamin", title="Average Cost Temporal-Difference Learning",
            journal="Automatica", volume="35", number="11", pages="1799--1808", year="1999"),
    _source("wan2021learning", r"2006\.16318", "Wan et al. 2021", "inproceedings",
            author="Wan, Yi and Naik, Abhishek and Sutton, Richard S.",
            title="Learning and Planning in Average-Reward {M}arkov Decision Processes",
            booktitle="International Conference on Machine Learning", year="2021", note="arXiv:2006.16318"),
    _source("sutton2009fast", r"Sutton, Maei, .* 2009", "Sutton et al. 2009", "inproceedings",
            author="Sutton, Richard S. and Maei, Hamid Reza and Precup, Doina and Bhatnagar, Shalabh and Silver, "
            r"David and Szepesv{\'a}ri, Csaba and Wiewiora, Eric",
            title="Fast Gradient-Descent Methods for Temporal-Difference Learning with Linear Function Approximation",
            booktitle="International Conference on Machine Learning", year="2009"),
    _source("sutton2008convergent", r"Sutton, Szepesvari, Maei 2008", "Sutton et al. 2008", "inproceedings",
            author=r"Sutton, Richard S. and Szepesv{\'a}ri, Csaba and Maei, Hamid Reza",
            title="A Convergent {O}(n) Temporal-Difference Algorithm for Off-Policy Learning with Linear Function "
            "Approximation", booktitle="Advances in Neural Information Processing Systems", year="2008"),
    _source("sutton2011horde", r"Sutton, Modayil, .* 2011", "Sutton et al. 2011", "inproceedings",
            author="Sutton, Richard S. and Modayil, Joseph and Delp, Michael and Degris, Thomas and Pilarski, "
            "Patrick M. and White, Adam and Precup, Doina",
            title="Horde: A Scalable Real-Time Architecture for Learning Knowledge from Unsupervised Sensorimotor "
            "Interaction", booktitle="International Conference on Autonomous Agents and Multiagent Systems",
            year="2011"),
    _source("wang2025dynamic", r"2509\.18389", "Wang et al. 2025b", "article",
            author="Wang, Jiuqi and Chandra, Rohan and Zhang, Shangtong",
            title="Towards Provable Emergence of In-Context Reinforcement Learning",
            journal="arXiv preprint arXiv:2509.18389", year="2025"),
    _source("barreto2017successor", r"Barreto et al\. 2017", "Barreto et al. 2017", "inproceedings",
            author="Barreto, Andr{\\'e} and Dabney, Will and Munos, R{\\'e}mi and Hunt, Jonathan J. and Schaul, Tom "
            "and van Hasselt, Hado and Silver, David",
            title="Successor Features for Transfer in Reinforcement Learning",
            booktitle="Advances in Neural Information Processing Systems", year="2017"),
    _source("dayan1993improving", r"Dayan 1993", "Dayan 1993", "article",
            author="Dayan, Peter", title="Improving Generalization for Temporal Difference Learning: The Successor "
            "Representation", journal="Neural Computation", volume="5", number="4", pages="613--624", year="1993"),
    _source("bellman1957dynamic", r"Bellman 1957", "Bellman 1957", "book",
            author="Bellman, Richard", title="Dynamic Programming", publisher="Princeton University Press",
            year="1957"),
    _source("sutton2016emphatic", r"Sutton, Mahmood, White 2016", "Sutton et al. 2016", "article",
            author="Sutton, Richard S. and Mahmood, A. Rupam and White, Martha",
            title="An Emphatic Approach to the Problem of Off-Policy Temporal-Difference Learning",
            journal="Journal of Machine Learning Research", volume="17", year="2016"),
    _source("polyak1964speeding", r"Polyak 1964", "Polyak 1964", "article", author="Polyak, Boris T.",
            title="Some Methods of Speeding up the Convergence of Iteration Methods",
            journal="USSR Computational Mathematics and Mathematical Physics", volume="4", number="5",
            pages="1--17", year="1964"),
    _source("nesterov1983method", r"Nesterov 1983", "Nesterov 1983", "article", author="Nesterov, Yurii",
            title="A Method for Solving the Convex Programming Problem with Convergence Rate {$O(1/k^2)$}",
            journal="Soviet Mathematics Doklady", volume="27", pages="372--376", year="1983"),
    _source("su2016differential", r"Su, Boyd, Candes 2016", "Su et al. 2016", "article",
            author=r"Su, Weijie and Boyd, Stephen and Cand{\`e}s, Emmanuel J.",
            title="A Differential Equation for Modeling {N}esterov's Accelerated Gradient Method: Theory and Insights",
            journal="Journal of Machine Learning Research", volume="17", year="2016"),
    _source("mnih2015human", r"Mnih et al\. 2015", "Mnih et al. 2015", "article", author="Mnih, Volodymyr and others",
            title="Human-Level Control through Deep Reinforcement Learning", journal="Nature", volume="518",
            pages="529--533", year="2015"),
    _source("lillicrap2016continuous", r"Lillicrap et al\. 2016", "Lillicrap et al. 2016", "inproceedings",
            author="Lillicrap, Timothy P. and others", title="Continuous Control with Deep Reinforcement Learning",
            booktitle="International Conference on Learning Representations", year="2016", note="arXiv:1509.02971"),
    _source("krogh1991simple", r"Krogh, Hertz 1991", "Krogh and Hertz 1991", "inproceedings",
            author="Krogh, Anders and Hertz, John A.", title="A Simple Weight Decay Can Improve Generalization",
            booktitle="Advances in Neural Information Processing Systems", year="1991"),
    _source("vanseijen2009theoretical", r"van Seijen, van Hasselt, Whiteson, Wiering 2009", "van Seijen et al. 2009",
            "inproceedings",
            author="van Seijen, Harm and van Hasselt, Hado and Whiteson, Shimon and Wiering, Marco",
            title="A Theoretical and Empirical Analysis of Expected Sarsa",
            booktitle="IEEE Symposium on Adaptive Dynamic Programming and Reinforcement Learning", year="2009"),
    _source("precup2000eligibility", r"Precup, Sutton, Singh 2000", "Precup et al. 2000", "inproceedings",
            author="Precup, Doina and Sutton, Richard S. and Singh, Satinder",
            title="Eligibility Traces for Off-Policy Policy Evaluation",
            booktitle="International Conference on Machine Learning", year="2000"),
    _source("sutton1988learning", r"Sutton 1988", "Sutton 1988", "article", author="Sutton, Richard S.",
            title="Learning to Predict by the Methods of Temporal Differences", journal="Machine Learning",
            volume="3", pages="9--44", year="1988"),
    _source("xie2026beyond", r"2605\.07333", "Xie et al. 2026", "article",
            author="Xie, Zixuan and Liu, Xinyu and Chen, Claire and Liu, Shuze Daniel and Chandra, Rohan and "
            "Zhang, Shangtong",
            title="Beyond Linear Attention: Softmax Transformers Implement In-Context Reinforcement Learning",
            journal="arXiv preprint arXiv:2605.07333", year="2026"),
    _source("liang2026transformers", r"2605\.05755", "Liang and Lai 2026", "article",
            author="Liang, Haodong and Lai, Lifeng",
            title="Transformers Provably Implement In-Context Reinforcement Learning with Policy Improvement",
            journal="arXiv preprint arXiv:2605.05755", year="2026"),
    _source("cheng2024transformers", r"2312\.06528", "Cheng et al. 2024", "inproceedings",
            author="Cheng, Xiang and Chen, Yuxin and Sra, Suvrit",
            title="Transformers Implement Functional Gradient Descent to Learn Non-Linear Functions In Context",
            booktitle="International Conference on Machine Learning", pages="8002--8037", year="2024",
            note="arXiv:2312.06528"),
)  # fmt: skip
BY_KEY = {source.key: source for source in SOURCES}


def cited(source: str) -> tuple[str, ...]:
    """The keys of the publications that a source line names, in its order.

    >>> cited("Baird 1995; in context: Wang, Blaser, Daneshmand, Zhang 2025 (arXiv 2405.13861), Theorem 1")
    ('baird1995residual', 'wang2025transformers')
    """
    places = ((m.start(), s.key) for s in SOURCES for m in [re.search(s.named, source)] if m)
    return tuple(key for _, key in sorted(places))


def bibtex(keys: Iterable[str]) -> str:
    """The file of these entries, each once."""
    return "\n".join(BY_KEY[key].bibtex() for key in sorted(set(keys)))

r"""How each rule comes about: a full Bellman update, one sample of it, a step part of the way, one trajectory.

Each is four formulas in LaTeX; what stands between them, `WHY`, is the same for all.
"""

from __future__ import annotations

from dataclasses import dataclass

FULL = "The full update"
SAMPLE = "One sample in place of the expectation"
STEP = "A step part of the way"
ASYNCHRONOUS = "Along one trajectory, asynchronously"
TITLES = (FULL, SAMPLE, STEP, ASYNCHRONOUS)
WHY = (
    "It needs the transition probabilities, which nobody has.",
    "It is right on average, and too aggressive: what was learned before is overwritten by one sample.",
    "The step size averages over samples. It needs one for every state at once, drawn anew each time.",
    "What comes along is what is used: h(v, Y) with Y a Markov chain. This is the rule as the page judges it.",
)


@dataclass(frozen=True)
class Story:
    """full, sample, step, asynchronous : LaTeX;  start : what the full update is, in words."""

    start: str
    full: str
    sample: str
    step: str
    asynchronous: str

    @property
    def formulas(self) -> tuple[str, str, str, str]:
        """The four, in order."""
        return self.full, self.sample, self.step, self.asynchronous


_DELTA = r"\delta_k = R_{k+1} + \gamma w_k^\top x(S_{k+1}) - w_k^\top x(S_k)"
_POLICY = r"T v = r_\pi + \gamma P_\pi v"
_TARGET = r"r_\pi(s) + \gamma v_k(s')"
_LINEAR = r"r_\pi(s) + \gamma w_k^\top x(s')"
_GTD = (
    r"w_{k+1} = w_k + \alpha_k E[(x - \gamma x') x^\top] u_k, \quad "
    r"u_{k+1} = u_k + \beta_k (E[\delta_k x] - E[x x^\top] u_k)"
)

STORIES = {
    "tabular-td": Story(
        "The Bellman operator's fixed point is the value of the policy, and iterating it contracts by gamma.",
        rf"v_{{k+1}} = T v_k, \quad {_POLICY}",
        rf"v_{{k+1}}(s) = {_TARGET}, \quad s' \sim P_\pi(s, \cdot)",
        rf"v_{{k+1}}(s) = v_k(s) + \alpha_k ({_TARGET} - v_k(s))",
        r"v_{k+1}(S_k) = v_k(S_k) + \alpha_k (R_{k+1} + \gamma v_k(S_{k+1}) - v_k(S_k))",
    ),
    "linear-td": Story(
        "The Bellman operator leaves the span of the features, so it is followed by the projection in the norm of the "
        "stationary law d.",
        rf"\Phi w_{{k+1}} = \Pi_d T (\Phi w_k), \quad {_POLICY}",
        rf"w_k^\top x(s) \approx {_LINEAR}, \quad s \sim d, \quad s' \sim P_\pi(s, \cdot)",
        rf"w_{{k+1}} = w_k + \alpha_k ({_LINEAR} - w_k^\top x(s)) x(s)",
        rf"w_{{k+1}} = w_k + \alpha_k \delta_k x(S_k), \quad {_DELTA}",
    ),
    "td-lambda": Story(
        "Operators of any number of steps have the same fixed point; their geometric average is one too.",
        r"\Phi w_{k+1} = \Pi_d T^{(\lambda)} (\Phi w_k), \quad "
        r"T^{(\lambda)} v = (1 - \lambda) \sum_{n \ge 0} \lambda^n T^{n+1} v",
        r"w_k^\top x(S_0) \approx w_k^\top x(S_0) + \sum_{n \ge 0} (\gamma \lambda)^n \delta_n",
        r"w_{k+1} = w_k + \alpha_k (\sum_{n \ge 0} (\gamma \lambda)^n \delta_n) x(S_0)",
        r"w_{k+1} = w_k + \alpha_k \delta_k e_k, \quad e_k = \gamma \lambda e_{k-1} + x(S_k)",
    ),
    "q-learning": Story(
        "The Bellman operator of control contracts by gamma in the largest entry; its fixed point is the best value.",
        r"q_{k+1}(s, a) = \sum_{s'} p(s' \mid s, a) (r(s, a, s') + \gamma \max_{b} q_k(s', b))",
        r"q_{k+1}(s, a) = r(s, a, s') + \gamma \max_{b} q_k(s', b), \quad s' \sim p(\cdot \mid s, a)",
        r"q_{k+1}(s, a) = q_k(s, a) + \alpha_k (r(s, a, s') + \gamma \max_{b} q_k(s', b) - q_k(s, a))",
        r"q_{k+1}(S_k, A_k) = q_k(S_k, A_k) + \alpha_k "
        r"(R_{k+1} + \gamma \max_{b} q_k(S_{k+1}, b) - q_k(S_k, A_k))",
    ),
    "gtd2": Story(
        "The projected Bellman error is a quadratic in w; its gradient holds an inverse, which a second weight u "
        "solves for on the way.",
        _GTD,
        r"\rho \delta_k x, \quad (x^\top u_k) x, \quad \rho (x - \gamma x') x^\top u_k",
        r"u_{k+1} = u_k + \beta_k (\rho \delta_k - x^\top u_k) x, \quad "
        r"w_{k+1} = w_k + \alpha_k \rho (x - \gamma x') x^\top u_k",
        r"u_{k+1} = u_k + \beta_k (\rho_k \delta_k - u_k^\top x_k) x_k, \quad "
        r"w_{k+1} = w_k + \alpha_k \rho_k (x_k - \gamma x_{k+1}) u_k^\top x_k",
    ),
    "tdc": Story(
        "The same gradient, its first part left as TD has it: a correction is taken from it.",
        r"w_{k+1} = w_k + \alpha_k (E[\delta_k x] - \gamma E[x' x^\top] u_k), \quad "
        r"u_{k+1} = u_k + \beta_k (E[\delta_k x] - E[x x^\top] u_k)",
        r"\rho \delta_k x, \quad \rho \gamma (x^\top u_k) x', \quad (x^\top u_k) x",
        r"w_{k+1} = w_k + \alpha_k \rho (\delta_k x - \gamma (x^\top u_k) x')",
        r"w_{k+1} = w_k + \alpha_k \rho_k (\delta_k x_k - \gamma (u_k^\top x_k) x_{k+1}), \quad "
        r"u_{k+1} = u_k + \beta_k (\rho_k \delta_k - u_k^\top x_k) x_k",
    ),
    "emphatic-td": Story(
        "The projection is taken in another norm, of the emphasis f = (I - gamma P^T)^-1 D i, in which the matrix is "
        "negative definite.",
        rf"\Phi w_{{k+1}} = \Pi_f T (\Phi w_k), \quad {_POLICY}",
        r"f(s) \approx d(s) F, \quad F = i(S_k) + \gamma \rho_{k-1} F_{k-1}",
        r"w_{k+1} = w_k + \alpha_k F \rho \delta_k x(s)",
        rf"w_{{k+1}} = w_k + \alpha_k \rho_k F_k \delta_k x(S_k), \quad {_DELTA}",
    ),
    "average-reward-td": Story(
        "Without discount the reward rate is taken from each reward.",
        r"v_{k+1} = r_\pi - \bar r + P_\pi v_k, \quad \bar r = d^\top r_\pi",
        r"v_{k+1}(s) = r_\pi(s) - \bar r_k + v_k(s')",
        r"w_{k+1} = w_k + \alpha_k (r_\pi(s) - \bar r_k + w_k^\top x(s') - w_k^\top x(s)) x(s)",
        r"w_{k+1} = w_k + \alpha_k (R_{k+1} - \bar r_k + w_k^\top x_{k+1} - w_k^\top x_k) x_k, \quad "
        r"\bar r_{k+1} = \bar r_k + \eta \alpha_k (R_{k+1} - \bar r_k)",
    ),
    "differential-td": Story(
        "Without discount; the reward rate moves by the values' own error, which works off-policy too.",
        r"v_{k+1} = r_\pi - \bar r + P_\pi v_k",
        r"v_{k+1}(s) = r_\pi(s) - \bar r_k + v_k(s')",
        r"v_{k+1}(s) = v_k(s) + \alpha_k (r_\pi(s) - \bar r_k + v_k(s') - v_k(s))",
        r"v_{k+1}(S_k) = v_k(S_k) + \alpha_k \rho_k \delta_k, \quad "
        r"\bar r_{k+1} = \bar r_k + \eta \alpha_k \rho_k \delta_k",
    ),
    "differential-q-learning": Story(
        "Control without discount: the best reward rate is taken from each reward.",
        r"q_{k+1}(s, a) = \sum_{s'} p(s' \mid s, a) (r(s, a, s') - \bar r + \max_{b} q_k(s', b))",
        r"q_{k+1}(s, a) = r(s, a, s') - \bar r_k + \max_{b} q_k(s', b)",
        r"q_{k+1}(s, a) = q_k(s, a) + \alpha_k (r(s, a, s') - \bar r_k + \max_{b} q_k(s', b) - q_k(s, a))",
        r"q_{k+1}(S_k, A_k) = q_k(S_k, A_k) + \alpha_k \delta_k, \quad "
        r"\bar r_{k+1} = \bar r_k + \eta \alpha_k \delta_k",
    ),
    "gtd-lambda": Story(
        "As GTD2, for the operator of TD(lambda).",
        _GTD.replace("x^\\top] u_k, ", "e^\\top] u_k, ").replace(r"E[\delta_k x]", r"E[\delta_k e]"),
        r"\rho \delta_k e, \quad (x^\top u_k) x, \quad \rho (x - \gamma x') e^\top u_k",
        r"u_{k+1} = u_k + \beta_k (\rho \delta_k e - (x^\top u_k) x)",
        r"u_{k+1} = u_k + \beta_k (\rho_k \delta_k e_k - x_k x_k^\top u_k), \quad "
        r"w_{k+1} = w_k + \alpha_k \rho_k (x_k - \gamma x_{k+1}) e_k^\top u_k, \quad "
        r"e_k = \gamma \lambda \rho_{k-1} e_{k-1} + x_k",
    ),
    "etd-lambda": Story(
        "Emphatic TD for the operator of TD(lambda).",
        r"\Phi w_{k+1} = \Pi_f T^{(\lambda)} (\Phi w_k)",
        r"F = i(S_k) + \gamma \rho_{k-1} F_{k-1}, \quad M = \lambda i(S_k) + (1 - \lambda) F",
        r"w_{k+1} = w_k + \alpha_k \delta_k e",
        r"w_{k+1} = w_k + \alpha_k \delta_k e_k, \quad e_k = \rho_k (\gamma \lambda e_{k-1} + M_k x_k)",
    ),
    "off-policy-td-lambda": Story(
        "As TD(lambda), the samples of one policy weighed for another.",
        r"\Phi w_{k+1} = \Pi_d T_\pi^{(\lambda)} (\Phi w_k), \quad d \text{ of the policy that acts}",
        r"E_\pi[\,\cdot \mid s] = E_\mu[\rho \,\cdot \mid s], \quad \rho = \pi(a \mid s) / \mu(a \mid s)",
        r"w_{k+1} = w_k + \alpha_k \delta_k e",
        r"w_{k+1} = w_k + \alpha_k \delta_k e_k, \quad e_k = \rho_k (\gamma \lambda e_{k-1} + x_k)",
    ),
    "deep-td": Story(
        "The fixed point is looked for among functions v(s; theta), which are no linear space.",
        r"\theta_{k+1} = \theta_k + \alpha E[(T v(\cdot; \theta_k) - v(\cdot; \theta_k))(s) \nabla v(s; \theta_k)]",
        r"(T v)(s) \approx r_\pi(s) + \gamma v(s'; \theta_k)",
        r"\theta_{k+1} = \theta_k + \alpha_k "
        r"(r_\pi(s) + \gamma v(s'; \theta_k) - v(s; \theta_k)) \nabla v(s; \theta_k)",
        r"\theta_{k+1} = \theta_k + \alpha_k "
        r"(r_\pi(S_k) + \gamma v(S_{k+1}; \theta_k) - v(S_k; \theta_k)) \nabla v(S_k; \theta_k)",
    ),
    "dqn": Story(
        "Control, with target weights that are held fixed for a while.",
        r"\theta_{k+1} = \theta_k + \alpha E[(T q(\cdot; \bar \theta) - q(\cdot; \theta_k))(s, a) "
        r"\nabla q(s, a; \theta_k)]",
        r"(T q)(s, a) \approx r(s, a, s') + \gamma \max_{b} q(s', b; \bar \theta)",
        r"\theta_{k+1} = \theta_k + \alpha_k (r + \gamma \max_{b} q(s', b; \bar \theta) - q(s, a; \theta_k)) "
        r"\nabla q(s, a; \theta_k)",
        r"\theta_{k+1} = \theta_k + \alpha_k (R_{k+1} + \gamma \max_{b} q(S_{k+1}, b; \bar \theta_k) "
        r"- q(S_k, A_k; \theta_k)) \nabla q(S_k, A_k; \theta_k)",
    ),
}
"""By the names of the catalogue's rules."""

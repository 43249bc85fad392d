"""Deep Q-networks: not of the form v + alpha h(v, Y), and why."""

from ..approximation.rule import OuterRule

RULE = OuterRule(
    name="dqn",
    title="Deep Q-networks (DQN)",
    source="Mnih et al. 2015, Human-level control through deep reinforcement learning; the talk's training iteration",
    update="theta <- theta + alpha_k (R + gamma max_a q(S', a; theta_bar) - q(S, A; theta)) grad q(S, A; theta)",
    not_the_form="the target weights theta_bar are overwritten by theta every so many steps, which is no step alpha_k; "
    "transitions are drawn from a replay memory, whose contents are no state of a finite Markov chain; and the "
    "behaviour follows theta, where the rules here have a fixed one",
    why_not="The largest of two numbers is no polynomial, and what layers of linear attention give is one.",
)

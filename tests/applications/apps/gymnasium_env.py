"""gymnasium: a wrapped environment in the middle of an episode, with its random numbers."""

import gymnasium

GROUP = "data"
PACKAGES = ("gymnasium",)


class Session:
    def __init__(self):
        self.env = gymnasium.make("CartPole-v1", max_episode_steps=50)
        self.rewards = []

    def step(self, action):
        observation, reward, ended, cut, _ = self.env.step(action)
        self.rewards.append(float(reward))
        if ended or cut:
            self.env.reset()
        return observation.tolist()


def build(folder):
    session = Session()
    session.env.reset(seed=3)
    session.env.action_space.seed(3)
    for action in (0, 1, 1):
        session.step(action)
    return session


def facts(session):
    return {"state": [*session.env.unwrapped.state], "rewards": session.rewards, "spec": session.env.spec.id}


def use(session, folder):
    fresh = build(folder)
    for action in (1, 0, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1):
        assert session.step(action) == fresh.step(action)
    assert session.env.action_space.sample() == fresh.env.action_space.sample()
    session.env.close()

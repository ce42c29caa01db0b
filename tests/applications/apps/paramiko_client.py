"""paramiko: a client that isn't connected, with host keys, a policy and a key of one's own."""

import paramiko

GROUP = "unseen"
PACKAGES = ("paramiko",)


class Remote:
    def __init__(self, folder):
        self.client = paramiko.SSHClient()
        self.client.set_missing_host_key_policy(paramiko.RejectPolicy())
        self.key = paramiko.ECDSAKey.generate()
        self.client.get_host_keys().add("[127.0.0.1]:2200", self.key.get_name(), self.key)
        self.config = paramiko.SSHConfig.from_text("Host shop\n  Port 2200\n  User ann\n")


def build(folder):
    return Remote(folder)


def facts(remote):
    return {
        "fingerprint": remote.key.get_fingerprint().hex(),
        "host keys": sorted(remote.client.get_host_keys()),
        "config": remote.config.lookup("shop")["port"],
    }


def use(remote, folder):
    signed = remote.key.sign_ssh_data(b"data")
    signed.rewind()
    assert remote.key.verify_ssh_sig(b"data", signed)
    assert remote.client.get_host_keys().check("[127.0.0.1]:2200", remote.key)
    remote.client.close()

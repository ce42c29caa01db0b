"""TLS contexts: their settings and the names of their certificates come back; a server's are refused."""

import datetime as dt
import socket
import ssl
import subprocess
import sys
import threading
import warnings

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec

import appsnap
from appsnap import EVERYTHING
from appsnap.errors import CannotSave
from appsnap.kinds import KINDS

KIND_NAMES = sorted(KINDS)


def issue(*, ca):
    """Return a new certificate for localhost, which signs itself, with its key, in PEM."""
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, "localhost")])
    now = dt.datetime.now(dt.UTC)
    uses = dict.fromkeys(("content_commitment", "data_encipherment", "key_agreement", "encipher_only"), False)
    uses |= {"decipher_only": False, "key_encipherment": False, "digital_signature": True}
    identifier = x509.SubjectKeyIdentifier.from_public_key(key.public_key())
    issued = (
        x509.CertificateBuilder(name, name, key.public_key(), x509.random_serial_number())
        .not_valid_before(now - dt.timedelta(days=1))
        .not_valid_after(now + dt.timedelta(days=1))
        .add_extension(x509.BasicConstraints(ca=ca, path_length=None), critical=True)
        .add_extension(x509.KeyUsage(key_cert_sign=ca, crl_sign=ca, **uses), critical=True)
        .add_extension(x509.SubjectAlternativeName([x509.DNSName("localhost")]), critical=False)
        .add_extension(identifier, critical=False)
        .add_extension(x509.AuthorityKeyIdentifier.from_issuer_subject_key_identifier(identifier), critical=False)
        .sign(key, hashes.SHA256())
    )
    form = serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    return issued.public_bytes(serialization.Encoding.PEM) + key.private_bytes(*form)


@pytest.fixture(scope="module")
def certificate(tmp_path_factory):
    """Return the file of a certificate that may sign others, and of its key."""
    path = tmp_path_factory.mktemp("certificates") / "localhost.pem"
    path.write_bytes(issue(ca=True))
    return str(path)


class Mine(ssl.SSLContext):
    """A context of an application, with an attribute and other arguments."""

    def __new__(cls, purpose):
        """Make one for clients."""
        return super().__new__(cls, ssl.PROTOCOL_TLS_CLIENT)

    def __init__(self, purpose):
        self.purpose = purpose


class Shown(ssl.SSLContext):
    """A context that shows the settings of another one."""

    @property
    def verify_mode(self):
        """The mode of the other one."""
        return "another mode"


def again(context, kind="source"):
    """Return a context that was saved and loaded, and look that it is saved as before."""
    data = appsnap.dumps(context, kind=kind)
    loaded = appsnap.loads(data, trust=EVERYTHING)
    assert appsnap.dumps(loaded, kind=kind) == data
    return loaded


def settings(context):
    """Return all that can be read of a context."""
    names = (
        *("protocol", "verify_mode", "check_hostname", "options", "verify_flags", "minimum_version", "maximum_version"),
        *("post_handshake_auth", "hostname_checks_common_name", "security_level"),
    )
    ciphers = [one["name"] for one in context.get_ciphers()]
    return {name: getattr(context, name) for name in names}, ciphers, context.cert_store_stats()


def refusal(obj):
    """Return the words of the refusal to save an object."""
    with pytest.raises(CannotSave) as caught:
        appsnap.dumps([obj])
    return str(caught.value)


class TestCertificates:
    @pytest.mark.parametrize("kind", KIND_NAMES)
    def test_default(self, kind):
        """The certificates of the system are saved by name."""
        context = ssl.create_default_context()

        assert settings(again(context, kind)) == settings(context)
        assert len(appsnap.dumps(context, kind=kind)) < 1_000
        assert b'certificates": "default"' in appsnap.dumps(context, kind="source").replace(b"=", b'": ')

    def test_more(self, certificate):
        """Certificates besides those of the system are saved as text."""
        context = ssl.create_default_context(cafile=None)
        context.load_verify_locations(certificate)

        loaded = again(context)

        assert settings(loaded) == settings(context)
        assert sorted(loaded.get_ca_certs(binary_form=True)) == sorted(context.get_ca_certs(binary_form=True))
        assert len(appsnap.dumps(context)) < 5_000

    def test_own(self, certificate):
        """So are certificates without those of the system, and none is added."""
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
        context.load_verify_locations(certificate)

        assert again(context).get_ca_certs() == context.get_ca_certs()

    def test_none(self):
        """A context that trusts nobody does so again."""
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)

        assert again(context).get_ca_certs() == []

    def test_hidden(self):
        """A certificate that the context doesn't show is refused."""
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
        context.load_verify_locations(cadata=issue(ca=False).decode())

        assert "a TLS context with certificates that can't be read" in refusal(context)


class TestSettings:
    def test_changed(self):
        """Each setting comes back that can be read."""
        context = ssl.create_default_context()
        context.check_hostname = False
        context.verify_mode = ssl.CERT_NONE
        context.minimum_version = ssl.TLSVersion.TLSv1_2
        context.maximum_version = ssl.TLSVersion.TLSv1_3
        context.options |= ssl.OP_NO_TICKET
        context.verify_flags |= ssl.VERIFY_X509_STRICT
        context.post_handshake_auth = True
        context.hostname_checks_common_name = False
        context.set_ciphers("ECDHE+AESGCM:@SECLEVEL=1")

        assert settings(again(context)) == settings(context)

    @pytest.mark.parametrize("names", [True, False])
    @pytest.mark.parametrize("mode", list(ssl.VerifyMode))
    @pytest.mark.parametrize("protocol", [ssl.PROTOCOL_TLS_CLIENT, ssl.PROTOCOL_TLS_SERVER])
    def test_verification(self, protocol, mode, names):
        """So does each mode of verification, with the names of hosts and without."""
        context = ssl.SSLContext(protocol)
        context.check_hostname = False
        context.verify_mode = mode
        context.check_hostname = names and mode != ssl.CERT_NONE

        assert settings(again(context)) == settings(context)

    def test_alpn(self, certificate):
        """So do the protocols that a client offers, which a server sees."""
        client = ssl.create_default_context(cafile=certificate)
        client.set_alpn_protocols(["h2", "http/1.1"])

        assert agreed(again(client), certificate) == "h2"

    def test_old_version(self):
        """A context for old devices comes back without another warning."""
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            context = ssl.SSLContext(ssl.PROTOCOL_TLS)
            context.minimum_version = ssl.TLSVersion.TLSv1
            context.options |= ssl.OP_NO_TLSv1_1
            data = appsnap.dumps(context)
        script = "import sys, appsnap as a; print(a.loads(sys.stdin.buffer.read(), trust=a.EVERYTHING).minimum_version)"
        command = [sys.executable, "-W", "default", "-c", script]

        done = subprocess.run(command, input=data, capture_output=True, check=True)

        assert (done.stdout, done.stderr) == (b"769\n", b"")

    def test_subclass(self):
        """An object of a subclass has its attributes, and neither its __new__ nor its __init__ is called."""
        loaded = again(Mine("tests"))

        assert (type(loaded), loaded.purpose) == (Mine, "tests")

    def test_other_settings(self):
        """A class that shows other settings is asked for its own."""
        loaded = again(Shown(ssl.PROTOCOL_TLS_CLIENT))

        assert super(Shown, loaded).verify_mode == ssl.CERT_REQUIRED

    def test_secrets(self, tmp_path, monkeypatch):
        """A file for the secrets of connections isn't named, and isn't opened again."""
        monkeypatch.setenv("SSLKEYLOGFILE", str(tmp_path / "secrets"))
        context = ssl.create_default_context()

        assert again(context).keylog_filename is None


class TestServers:
    def test_with_certificate(self, certificate):
        """A context with a certificate and a key is refused, with advice."""
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(certificate)

        words = "(ssl.SSLContext): a TLS context with a certificate, whose key can't be read; make it in startService"
        assert words in refusal(context)

    def test_asks_clients(self, certificate):
        """So is one that asks its clients for theirs."""
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(certificate)
        context.load_verify_locations(certificate)
        context.verify_mode = ssl.CERT_REQUIRED

        assert "a TLS context with a certificate" in refusal(context)

    @pytest.mark.parametrize("version", [ssl.TLSVersion.TLSv1_2, ssl.TLSVersion.TLSv1_3])
    def test_without(self, version):
        """A context without one is saved: its certificate comes later."""
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.minimum_version = version

        assert settings(again(context)) == settings(context)

    def test_callback(self):
        """A context that chooses among others is refused, and its function isn't called."""
        called = []
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.sni_callback = lambda *args: called.append(args)

        assert "a TLS context with a certificate" in refusal(context)
        assert called == []


class TestConnections:
    def test_refused(self):
        """Sockets, ends in memory and sessions are refused."""
        context = ssl.create_default_context()
        with socket.socket() as plain, context.wrap_socket(plain, server_hostname="localhost") as sock:
            assert "a socket with TLS" in refusal(sock)
        end = context.wrap_bio(ssl.MemoryBIO(), ssl.MemoryBIO(), server_hostname="localhost")
        assert "one end of a connection with TLS" in refusal(end)

    def test_used(self, certificate):
        """A loaded context connects to a server that it trusts, and to no other one."""
        assert agreed(again(ssl.create_default_context(cafile=certificate)), certificate) is None
        with pytest.raises(ssl.SSLCertVerificationError):
            agreed(again(ssl.create_default_context()), certificate)


def agreed(client, certificate):
    """Connect to a server over TCP, and return the protocol that both agree on."""
    server = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    server.load_cert_chain(certificate)
    server.set_alpn_protocols(["h2"])

    def serve():
        end, _ = listening.accept()
        with end:
            try:
                with server.wrap_socket(end, server_side=True) as secure:
                    secure.recv(1)
            except OSError:
                pass  # the client doesn't trust it

    with socket.create_server(("127.0.0.1", 0)) as listening:
        thread = threading.Thread(target=serve)
        thread.start()
        try:
            plain = socket.create_connection(listening.getsockname())
            with plain, client.wrap_socket(plain, server_hostname="localhost") as secure:
                return secure.selected_alpn_protocol()
        finally:
            thread.join()

"""paho-mqtt: a client that has been connected, with subscriptions and callbacks."""

import socket
import threading

import paho.mqtt.client as mqtt

GROUP = "libraries"
PACKAGES = ("paho-mqtt",)


def heard(client, userdata, message):
    userdata.append(message.topic)


def connected(client, userdata, flags, reason, properties):
    userdata.append(f"connected: {reason}")


def serve(listening, done):
    """Be a broker for one client: answer its begin and its question for a connection."""
    connection, _ = listening.accept()
    with connection:
        connection.recv(4096)
        connection.sendall(b"\x20\x02\x00\x00")  # CONNACK
        connection.sendall(b"\x30\x07\x00\x03tea12")  # PUBLISH "12" to the topic "tea"
        done.wait(60)


def ask(client):
    """Let the client connect, hear a message, and run its thread. The connection stays."""
    done, messages = threading.Event(), threading.Event()
    with socket.create_server(("127.0.0.1", 0)) as listening:
        broker = threading.Thread(target=serve, args=(listening, done))
        broker.start()
        try:
            client.connect("127.0.0.1", listening.getsockname()[1])
            for _ in range(600):
                client.loop(0.1)
                if "tea" in client.user_data_get():
                    break
            messages.set()
            assert client.is_connected()
        finally:
            done.set()
            broker.join()


def build(folder):
    client = mqtt.Client(mqtt.CallbackAPIVersion.VERSION2, client_id="shop", userdata=[])
    client.on_message = heard
    client.on_connect = connected
    client.will_set("shop", "gone")
    ask(client)
    return client


def facts(client):
    return {"heard": client.user_data_get(), "will": client._will_topic.decode()}


def use(client, folder):
    client.user_data_get().clear()
    ask(client)
    assert client.user_data_get() == ["connected: Success", "tea"]

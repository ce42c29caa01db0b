"""Who signed a snapshot, and whether that is enough to trust it.

* The *own key* signs the snapshots that the user saves. It has a secret part and a public part.
* A *signer* is the public key whose signature of a file has been verified: `signatures`.
* A *trusted key* is the public key of somebody else whose files the user loads like their own: `keyring`.
* The *provenance* of a snapshot is its signer, whether it was edited since, and whether a passphrase opened it.
"""

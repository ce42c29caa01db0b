from appsnap.service import Application, Service

application = Application("shop")
Service().setServiceParent(application)

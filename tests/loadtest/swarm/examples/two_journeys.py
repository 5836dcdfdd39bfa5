import time

from locust import FastHttpUser, HttpUser, SequentialTaskSet, TaskSet, User, constant, tag, task


class Checkout(SequentialTaskSet):
    @task
    def cart(self):
        self.client.get("/cart")

    @tag("pay")
    @task
    def pay(self):
        self.client.post("/pay", data={"card": "4111"})

    @task
    def done(self):
        self.client.get("/done")


class Buyer(HttpUser):
    fixed_count = 3
    wait_time = constant(0.02)
    tasks = [Checkout]


class Browsing(TaskSet):
    @task(2)
    def home(self):
        self.client.get("/home")

    @task
    class Details(TaskSet):
        @task
        def details(self):
            self.client.get("/details/1")

        @task
        def back(self):
            self.interrupt()


class Visitor(FastHttpUser):
    wait_time = constant(0.02)
    tasks = [Browsing]


class Queue(User):
    """A client of its own, which fires the event that Locust counts by."""

    fixed_count = 1
    wait_time = constant(0.1)

    @task
    def publish(self):
        start_time = time.perf_counter()
        self.environment.events.request.fire(
            request_type="QUEUE",
            name="publish",
            response_time=(time.perf_counter() - start_time) * 1000,
            response_length=1,
            exception=None,
            context={},
        )

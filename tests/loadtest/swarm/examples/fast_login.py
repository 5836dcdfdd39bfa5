import logging
import os

import accounts
from locust import FastHttpUser, constant_throughput, events, task


@events.init_command_line_parser.add_listener
def _(parser):
    parser.add_argument("--tenant", default="acme", help="Whose shop it is")


@events.test_start.add_listener
def on_test_start(environment, **kwargs):
    logging.info("testing for tenant %s", environment.parsed_options.tenant)


class LoggedInUser(FastHttpUser):
    wait_time = constant_throughput(20)
    token = None

    def on_start(self):
        with self.rest("POST", "/api/login", json=accounts.next_one()) as resp:
            self.token = resp.js["token"]
        self.client.get("/api/cookie")

    @task(3)
    def orders(self):
        with self.client.get(
            "/api/orders?token=" + self.token,
            headers={"Authorization": f"Bearer {self.token}"},
            catch_response=True,
        ) as resp:
            if "order" not in resp.text:
                resp.failure("no order for " + self.token)

    @task
    def buy(self):
        tenant = self.environment.parsed_options.tenant
        self.client.post("/api/orders", json={"item": 1, "tenant": tenant}, headers=self.bearer)

    @task
    def broken_promise(self):
        with self.client.get("/api/orders", headers=self.bearer, catch_response=True) as resp:
            resp.failure(f"{os.environ.get('SHOP_SECRET')} is not what was promised")

    @task
    def redirected(self):
        self.client.get("/old-home")

    def on_stop(self):
        self.client.post("/api/logout", headers=self.bearer)

    @property
    def bearer(self):
        return {"Authorization": f"Bearer {self.token}"}

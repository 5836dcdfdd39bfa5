"use strict";
for (const form of document.querySelectorAll(".at-traffic")) {
  const input = form.querySelector("input"), output = form.querySelector("output");
  const usd = (amount) => {
    if (amount > 0 && amount < 0.005) return "<$0.01";
    const [whole, cents] = amount.toFixed(amount >= 1000 ? 0 : 2).split(".");
    return "$" + whole.replace(/\B(?=(\d{3})+$)/g, "\u202f") + (cents ? "." + cents : "");
  };
  const tell = () => {
    const rate = input.valueAsNumber;
    if (!(rate >= 0)) { output.textContent = "Give a number of calls a second."; return; }
    const before = rate * Number(form.dataset.before), after = rate * Number(form.dataset.after);
    const less = after <= before ? "less" : "more";
    output.textContent = usd(before) + "\u00a0a\u00a0month before, " + usd(after) + " after: " +
      usd(Math.abs(before - after)) + " " + less;
  };
  input.addEventListener("input", tell);
  form.hidden = false;
}

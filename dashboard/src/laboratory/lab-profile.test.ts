import { expect, test } from "vitest";
import { addressOf, labOf, type NetworkLab, tunableSpecs } from "./lab-address.ts";
import { foreignTo, onlyProfile, profileOfLab, withProfile } from "./lab-profile.ts";
import { usualTunables } from "./lab-run.ts";

test("the profile of a network is in its address, and classic where that says nothing", () => {
  const lab = labOf("?lab=network&peers=5") as NetworkLab;
  expect(profileOfLab(lab.tunables)).toBe("classic");
  const modern = { ...lab, tunables: withProfile(lab.tunables, "modern") };
  expect(addressOf(modern)).toBe("?lab=network&peers=5&stack.profile=modern");
  expect(profileOfLab((labOf(addressOf(modern)) as NetworkLab).tunables)).toBe("modern");
  expect(addressOf({ ...lab, tunables: withProfile(modern.tunables, "classic") })).toBe(addressOf(lab));
});

test("what is usual follows the profile", () => {
  const asked = labOf("?lab=network&stack.profile=modern&broadcast.method=flood") as NetworkLab;
  expect(usualTunables(asked)["broadcast"]!["method"]).toBe("flood");
  const usual = usualTunables({ ...asked, tunables: onlyProfile(asked.tunables) });
  expect(usual["broadcast"]!["method"]).toBe("plumtree");
  expect(usualTunables({ ...asked, tunables: {} })["broadcast"]!["method"]).toBe("flood");
});

test("each profile lacks sections of the other, and every section is of one of them at least", () => {
  const lacks = (profile: "classic" | "modern") =>
    Object.keys(tunableSpecs).filter((section) => foreignTo(section, profile) !== undefined);
  expect(lacks("classic").sort()).toEqual(["hyparview", "swim"]);
  expect(lacks("modern").sort()).toEqual(["heartbeat", "overlay", "registration", "registry"]);
});

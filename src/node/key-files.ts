/** Keys and certificates on disk. All errors are `UsageError`s naming the file and the mend. */
import { createPrivateKey, type KeyObject, X509Certificate } from "node:crypto";
import { closeSync, fsyncSync, openSync, readFileSync, renameSync, rmSync, writeFileSync } from "node:fs";
import { dirname } from "node:path";
import { UsageError } from "../core/index.ts";
import { makeFolder as makeFolders } from "./folders.ts";

/** What to do about a file that is missing or spoilt. */
export const mend = "restore the folder from a backup, or make the node anew";

export function privateKeyPem(privateKey: KeyObject): string {
  return privateKey.export({ type: "pkcs8", format: "pem" }) as string;
}

export function readText(path: string): string {
  try {
    return readFileSync(path, "utf8");
  } catch (error) {
    const { code, message } = error as NodeJS.ErrnoException;
    if (code === "ENOENT") throw new UsageError(`${path}: there is no such file; ${mend}`);
    if (code === "EACCES")
      throw new UsageError(`${path}: it may not be read; run as its owner, or change the owner`);
    throw new UsageError(`${path}: it cannot be read (${message}); ${mend}`);
  }
}

export function readPrivateKey(path: string): KeyObject {
  const pem = readText(path);
  let key: KeyObject | undefined;
  try {
    key = createPrivateKey(pem);
  } catch {
    // Explained below.
  }
  if (key?.asymmetricKeyType !== "ed25519") {
    throw new UsageError(`${path}: it is not an Ed25519 private key in PEM; ${mend}`);
  }
  return key;
}

export function readCertificate(path: string): X509Certificate {
  const pem = readText(path);
  try {
    return new X509Certificate(pem);
  } catch {
    throw new UsageError(`${path}: it is not a certificate in PEM; ${mend}`);
  }
}

/**
 * Under its name there is the old file or the whole new one, also after a power failure: written beside it, brought
 * to the disk, renamed.
 */
export function writeWhole(path: string, text: string, mode = 0o644): void {
  const temporary = `${path}.${process.pid}.tmp`;
  try {
    // A file left by a crash might have another mode.
    rmSync(temporary, { force: true });
    const file = openSync(temporary, "wx", mode);
    try {
      writeFileSync(file, text);
      fsyncSync(file);
    } finally {
      closeSync(file);
    }
    renameSync(temporary, path);
  } catch (error) {
    rmSync(temporary, { force: true });
    throw new UsageError(`${path}: it cannot be written (${(error as Error).message})`);
  }
  syncFolder(dirname(path));
}

/** So that the rename itself survives a power failure. Some systems cannot open a folder; they need not. */
export function syncFolder(folder: string): void {
  let file: number;
  try {
    file = openSync(folder, "r");
  } catch {
    return;
  }
  try {
    fsyncSync(file);
  } catch {
    // Not possible here.
  } finally {
    closeSync(file);
  }
}

export function makeFolder(folder: string): void {
  try {
    makeFolders(folder);
  } catch (error) {
    throw new UsageError(`${folder}: the folder cannot be made (${(error as Error).message})`);
  }
}

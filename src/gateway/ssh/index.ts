export { type SshConfig, sshConfig } from './ssh.config.js';
export { SshTunnel } from './ssh-tunnel.js';

export interface Home {
  readonly description: string;
  readonly adminUrl: string;
  readonly keepsDatabases: boolean;
  close(): Promise<void>;
}

export function dockerHomeIfPossible(env: NodeJS.ProcessEnv): Promise<Home | undefined>;
export function urlHome(url: string | undefined): Promise<Home>;
export function dockerHome(image?: string): Promise<Home>;
export function embeddedHome(folder: string): Promise<Home>;
